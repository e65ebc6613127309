"""How a journal keeps things: its tables, and copies as rows of theirs."""

from __future__ import annotations

from transship.oci.digest import Digest
from transship.oci.reference import parse_reference
from transship.transfers.work import Copy, State, Verdict

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS copies (
    id INTEGER PRIMARY KEY, source TEXT, target TEXT, digest TEXT, previous TEXT, verdict TEXT,
    reason TEXT, subject TEXT, seen_at REAL, state TEXT,
    moving INTEGER, cause TEXT, title TEXT, detail TEXT, remedy TEXT, ended REAL);
CREATE INDEX IF NOT EXISTS copies_by_state ON copies (state, verdict);
CREATE INDEX IF NOT EXISTS copies_by_target ON copies (target);
CREATE INDEX IF NOT EXISTS copies_by_end ON copies (ended);
CREATE INDEX IF NOT EXISTS copies_by_cause ON copies (cause, remedy) WHERE state = 'failed';
-- What screens ask for several times a second mustn't cost a walk through all copies and blobs.
CREATE TABLE IF NOT EXISTS tallies (
    state TEXT, verdict TEXT, cause TEXT, title TEXT, remedy TEXT, copies INTEGER,
    PRIMARY KEY (state, verdict, cause, title, remedy)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS copy_came AFTER INSERT ON copies BEGIN
    INSERT INTO tallies VALUES (new.state, new.verdict,
        coalesce(new.cause, ''), coalesce(new.title, ''), coalesce(new.remedy, ''), 1)
    ON CONFLICT DO UPDATE SET copies = copies + 1;
END;
CREATE TRIGGER IF NOT EXISTS copy_went AFTER DELETE ON copies BEGIN
    UPDATE tallies SET copies = copies - 1
    WHERE state = old.state AND verdict = old.verdict AND cause = coalesce(old.cause, '')
        AND title = coalesce(old.title, '') AND remedy = coalesce(old.remedy, '');
END;
CREATE TRIGGER IF NOT EXISTS copy_turned
AFTER UPDATE OF state, verdict, cause, title, remedy ON copies
WHEN (old.state, old.verdict, old.cause, old.title, old.remedy)
    IS NOT (new.state, new.verdict, new.cause, new.title, new.remedy) BEGIN
    UPDATE tallies SET copies = copies - 1
    WHERE state = old.state AND verdict = old.verdict AND cause = coalesce(old.cause, '')
        AND title = coalesce(old.title, '') AND remedy = coalesce(old.remedy, '');
    INSERT INTO tallies VALUES (new.state, new.verdict,
        coalesce(new.cause, ''), coalesce(new.title, ''), coalesce(new.remedy, ''), 1)
    ON CONFLICT DO UPDATE SET copies = copies + 1;
END;
CREATE TABLE IF NOT EXISTS manifests (digest TEXT PRIMARY KEY, media_type TEXT, body BLOB);
-- What a deleted tag pointed at, to be put back by it.
CREATE TABLE IF NOT EXISTS kept (digest TEXT PRIMARY KEY, media_type TEXT, body BLOB);
-- What undoing the job has done with each tag.
CREATE TABLE IF NOT EXISTS undone (
    tag TEXT PRIMARY KEY, act TEXT, was TEXT, digest TEXT, state TEXT, detail TEXT, at REAL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
    target TEXT, digest TEXT, size INTEGER, source TEXT, home TEXT, copies INTEGER, outcome TEXT,
    PRIMARY KEY (target, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS amounts (
    outcome TEXT PRIMARY KEY, once INTEGER, times INTEGER) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS blob_came AFTER INSERT ON blobs BEGIN
    INSERT INTO amounts VALUES (new.outcome, new.size, new.size * new.copies)
    ON CONFLICT DO UPDATE SET once = once + excluded.once, times = times + excluded.times;
END;
CREATE TRIGGER IF NOT EXISTS blob_went AFTER DELETE ON blobs BEGIN
    UPDATE amounts SET once = once - old.size, times = times - old.size * old.copies
    WHERE outcome = old.outcome;
END;
CREATE TRIGGER IF NOT EXISTS blob_turned AFTER UPDATE OF outcome ON blobs BEGIN
    UPDATE amounts SET once = once - old.size, times = times - old.size * old.copies
    WHERE outcome = old.outcome;
    INSERT INTO amounts VALUES (new.outcome, new.size, new.size * new.copies)
    ON CONFLICT DO UPDATE SET once = once + excluded.once, times = times + excluded.times;
END;
CREATE TABLE IF NOT EXISTS placements (
    target TEXT, repository TEXT, digest TEXT, mounted INTEGER,
    PRIMARY KEY (target, repository, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    target TEXT, repository TEXT, digest TEXT, location TEXT, offset INTEGER,
    PRIMARY KEY (target, repository, digest)) WITHOUT ROWID;
-- What each repository needs created before it can be written to, and how far that is.
CREATE TABLE IF NOT EXISTS creations (
    target TEXT, repository TEXT, kind TEXT, name TEXT, visibility TEXT, state TEXT, detail TEXT,
    at REAL, PRIMARY KEY (target, repository)) WITHOUT ROWID;
-- With what, as JSON, where the plan asks for more than who may pull.
CREATE TABLE IF NOT EXISTS creation_options (
    target TEXT, repository TEXT, options TEXT, PRIMARY KEY (target, repository)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lanes (
    lane INTEGER PRIMARY KEY, what TEXT, moved INTEGER, size INTEGER, started REAL,
    target TEXT, digest TEXT);
CREATE TABLE IF NOT EXISTS wishes (
    id INTEGER PRIMARY KEY, wish TEXT, argument TEXT, at REAL, granted INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, at REAL, level TEXT, message TEXT);
"""

UNTALLIED = """
SELECT 1 WHERE EXISTS (SELECT 1 FROM copies) AND NOT EXISTS (SELECT 1 FROM tallies)
"""
"""Tells of a journal whose copies were written before they were counted as they are written."""

TALLY = """
INSERT OR IGNORE INTO tallies
SELECT state, verdict, coalesce(cause, ''), coalesce(title, ''), coalesce(remedy, ''), count(*)
FROM copies GROUP BY 1, 2, 3, 4, 5
"""

BYTES_UNDER_WAY = """
SELECT coalesce(sum(moved), 0) FROM (
    SELECT target, digest, max(moved) AS moved FROM (
        SELECT target, digest, offset AS moved FROM uploads
        UNION ALL SELECT target, digest, min(moved, size) FROM lanes WHERE ?1)
    GROUP BY target, digest)
JOIN blobs USING (target, digest) WHERE outcome = ''
"""
"""Of each blob that isn't at its target, what its upload session holds or its lane has moved."""

EVENTS = """
SELECT ended, CASE state WHEN 'failed' THEN state ELSE verdict END, source,
    coalesce(title || ': ' || detail, reason, '') FROM
    (SELECT * FROM copies WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT ?1)
UNION ALL SELECT at, 'wish', wish, argument FROM wishes
UNION ALL SELECT at, level, message, '' FROM log ORDER BY 1 DESC LIMIT ?1
"""
"""What came to pass last, the newest first: time, kind, what, and more in words."""

MOVED, MOVED_UNSEEN = 1, 2
"""What `moving` is of a tag that was about to be written: once that was known which it pointed at,
and where the target refused to tell."""

COPY_COLUMNS = "id, source, target, digest, previous, verdict, reason, subject, seen_at, moving"


def row_of(copy: Copy) -> tuple[object, ...]:
    """Return a copy as a row, without its number: what is judged already needs no more doing."""
    problem = copy.problem
    state = State.WAITING if copy.verdict.changes else State.FAILED if problem else State.DONE
    return (
        str(copy.source),
        str(copy.target),
        copy.digest,
        copy.previous,
        copy.verdict,
        copy.reason,
        copy.subject,
        copy.seen_at,
        state,
        problem.cause if problem else None,
        problem.title if problem else None,
        problem.detail if problem else None,
        problem.remedy if problem else None,
    )


def copy_in(row: tuple[object, ...]) -> Copy:
    """Return the copy in a row of `COPY_COLUMNS`."""
    number, source, target, digest, previous, verdict, reason, subject, seen_at, moving = row
    return Copy(
        id=int(str(number)),
        source=parse_reference(str(source)),
        target=parse_reference(str(target)),
        digest=Digest(str(digest)) if digest else None,
        previous=Digest(str(previous)) if previous else None,
        verdict=Verdict(str(verdict)),
        reason=str(reason),
        subject=Digest(str(subject)) if subject else None,
        seen_at=float(str(seen_at)) if seen_at is not None else None,
        moving=bool(moving),
        unseen=moving == MOVED_UNSEEN,
    )

"""What a job was asked, what it did, and the proof: for people, tickets and scripts."""

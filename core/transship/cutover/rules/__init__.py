"""What follows from the evidence of a cutover: pure rules, one file per family."""

"""What an operator sees of a cutover: on the board, on the line, and in the change ticket."""

"""The program that executes one attempt, with the server as its audience."""

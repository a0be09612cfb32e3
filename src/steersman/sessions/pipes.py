"""What the pipes of a session are called, in the folder that a runner and its box share."""

NAMES = ("control", "commands", "output", "kill")

"""What the platform tells the outside: noted with what happened, sent by and by."""

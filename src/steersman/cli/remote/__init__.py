"""Commands that speak to a server; each is imported when it is called."""

"""A box and its services that are the other containers of the runner's own pod."""

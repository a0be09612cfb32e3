"""What people and their programs ask over HTTP: one file for each kind of thing."""

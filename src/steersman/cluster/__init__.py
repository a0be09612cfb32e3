"""Where runners run: the door between a worker and the processes or pods it makes."""

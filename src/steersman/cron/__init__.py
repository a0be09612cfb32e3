"""PROGRAM: launches what schedules say, once each, by any number of instances of which one leads."""

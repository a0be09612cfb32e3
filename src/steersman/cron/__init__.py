"""PROGRAM: launches what schedules say, once each; any number of instances, of which one leads."""

"""A whole workflow on this machine: planned by `core/runs`, each job run as `steer build` does."""

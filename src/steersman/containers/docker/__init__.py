"""The containers door over the Engine API of Docker and Podman."""

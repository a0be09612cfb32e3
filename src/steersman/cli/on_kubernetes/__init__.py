"""`steer run --on kubernetes`: one pipeline in one pod, for a person and without a server."""

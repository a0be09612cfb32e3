"""Installing into a cluster: objects, chart, Secrets, and the README's words."""

"""The program that alone opens the store: queue, API, webhooks, logs, artifacts."""

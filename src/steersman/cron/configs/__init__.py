"""Reading configurations of cron: lists as Cronetes had them, and our own maps."""

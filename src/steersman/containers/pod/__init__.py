"""The inside of a pod: box and services run beside us, and volumes and pipes are all we share."""

"""What `steer install` puts into a cluster, made of what an admin says: decisions only."""

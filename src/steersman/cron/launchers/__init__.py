"""The door to where runs happen: Jobs of a cluster, processes of this machine, or a fake."""

"""Cron on a cluster: Jobs as runs, a ConfigMap as ledger, a Lease as leadership, and the reaper."""

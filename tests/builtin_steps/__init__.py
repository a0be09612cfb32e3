"""The steps that come with us."""

"""Internal steps: those that we carry out ourselves, with the box but not in its shell.

`base` is what each of them is, `dispatch` finds them by their ids and runs them. Each stands in a
module of its own that is imported when a pipeline has such a step.
"""

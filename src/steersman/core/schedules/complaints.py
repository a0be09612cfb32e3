"""What is wrong with an expression, and at which of its characters."""

from __future__ import annotations

from steersman.core.errors import UserError


class BadExpression(UserError):
    """An expression that cannot be used: *column* counts characters of *text* from 0."""

    def __init__(self, text: str, column: int, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.text = text
        self.column = max(0, min(column, len(text)))

    def excerpt(self) -> str:
        """Return the expression with a caret below what is wrong."""
        shown = "".join(char if char.isprintable() else " " for char in self.text)
        return f"  {shown}\n  {' ' * self.column}^"


class Trouble(Exception):
    """Something is wrong *at* a place of a field; the expression's parser says where that is."""

    def __init__(self, at: int, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.at = at
        self.message = message
        self.hint = hint

"""The pages people look at: one document, and the modules and style sheets it is made of.

What they show comes from the API, as whoever has logged in; nothing is put into the document here.
"""

from __future__ import annotations

from steersman.server.pages.serving import router

__all__ = ["router"]

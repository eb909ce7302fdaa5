"""What the ports share whose method of asking for JSON is planned when they are opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from profiler.llm.models import Learned
from profiler.llm.port import Method, Request
from profiler.llm.wording import Wording


class PlannedPort:
    """A port whose plan, and what its service refused of it, stand in one wording."""

    name: str
    base_url: str | None
    _wording: Wording

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, base_url={self.base_url!r})"

    @property
    def params(self) -> Mapping[str, Any]:
        """What decides an answer's address beside the request: the method that is planned."""
        return {"method": self._wording.planned}

    @property
    def learned(self) -> Learned:
        """What the service refused so far."""
        return self._wording.learned

    def method_for(self, request: Request) -> Method:
        """How JSON is planned to be asked for; the same for all requests of a port."""
        return self._wording.planned

"""`GET /changes`: the change feed, for hosts in any language. A request may wait for the next change."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cobalt_mirror.db import FeedEntry, PositionLost
from cobalt_mirror.db.feed import Numbering
from cobalt_mirror.db.reads.feed import LARGEST_POSITION
from cobalt_mirror.workers.ops.feed import read_changes
from cobalt_mirror.workers.web.answers import FeedPage, respond
from cobalt_mirror.workers.web.parameters import whole
from cobalt_mirror.workers.web.waiting import Places, Waiting

#: The most entries of an answer, and how many it has if the request does not say.
LARGEST_LIMIT, DEFAULT_LIMIT = 1_000, 100
#: The longest wait; a longer one is cut to this.
LONGEST_WAIT_SECONDS = 30
#: How many requests may wait at a time in a process.
MOST_WAITING = 16


AFTER = whole(
    "after",
    0,
    LARGEST_POSITION,
    "the position of the last entry that you have; 0: you have none. Without it: the oldest entries that are kept",
    default=None,
)
LIMIT = whole("limit", 1, LARGEST_LIMIT, "the most entries", default=DEFAULT_LIMIT)
WAIT = whole(
    "wait",
    0,
    LARGEST_POSITION,
    f"seconds to wait for the next change if there is none; at most {LONGEST_WAIT_SECONDS}",
    default=0,
    cut_to=LONGEST_WAIT_SECONDS,
)


@dataclass(frozen=True, slots=True)
class ChangesEndpoint:
    """The endpoint for the change feed."""

    numbering: Numbering
    waiting: Waiting
    places: Places

    async def receive(self, request: Request) -> Response:
        """Answer with the entries after a position; if there are none, at the next change or at the end of the wait."""
        after, limit, seconds = AFTER.of(request), LIMIT.of(request), WAIT.of(request)

        def look() -> list[FeedEntry]:
            return read_changes(self.numbering, after=after, limit=limit)

        try:
            entries = await run_in_threadpool(look)
            if not entries and seconds:
                entries = await self._wait(look, request, seconds)
        except PositionLost as error:
            return JSONResponse({"error": str(error), "resume_after": error.resume_after}, 410)
        return respond(FeedPage(changes=entries, after=entries[-1].position if entries else after or 0))

    async def _wait(self, look: Callable[[], list[FeedEntry]], request: Request, seconds: int) -> list[FeedEntry]:
        with self.places.take() as has_place:
            if not has_place:
                detail = f"{MOST_WAITING} requests wait for changes already; ask again in a second, or without `wait`"
                raise HTTPException(503, detail, headers={"retry-after": "1"})
            return await self.waiting.until(bool, look, first=[], request=request, seconds=seconds)

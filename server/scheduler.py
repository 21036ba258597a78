"""Who computes next: a queue with three lanes over a few worker threads.

A job is a generator: one `next` is one window of text. After each step it goes to the back of its
lane, so that a text of a thousand windows does not hold up a short one. Work of clients that have
gone away, or that is past its deadline, is dropped between steps.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from server.errors import DeadlineExceeded, ServerBusy

T = TypeVar("T")
Lane = Literal["fast", "standard", "batch"]

_HANDICAP: dict[Lane, int] = {"fast": 0, "standard": 16, "batch": 64}
"""How many later arrivals of the fast lane may overtake: the other lanes age and are never starved."""


@dataclass(order=True)
class _Ticket(Generic[T]):
    turn: int
    lane: Lane = field(compare=False)
    job: Generator[None, None, T] = field(compare=False)
    result: "asyncio.Future[T]" = field(compare=False)


class Scheduler:
    """Runs jobs on `workers` threads; use as an async context manager."""

    def __init__(self, workers: int, max_waiting: int, timeout: float) -> None:
        self.workers, self.max_waiting, self.timeout = workers, max_waiting, timeout
        self._waiting: list[_Ticket[Any]] = []
        self._arrivals = 0
        self._available = asyncio.Semaphore(0)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="inference")
        self._loops: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Scheduler":
        self._loops = [asyncio.create_task(self._work()) for _ in range(self.workers)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._threads.shutdown(wait=True)

    @property
    def waiting(self) -> int:
        """Jobs in the queue that somebody still waits for."""
        return sum(not ticket.result.done() for ticket in self._waiting)

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """The time of one request, however many jobs that is. Raises `DeadlineExceeded` when it is over."""
        try:
            async with asyncio.timeout(self.timeout):
                yield
        except TimeoutError:
            raise DeadlineExceeded(
                f"The request took longer than {self.timeout:g} s; send less text, or raise the setting 'timeout'."
            ) from None

    async def run(self, job: Generator[None, None, T], lane: Lane = "standard") -> T:
        """The job's return value. Raises what the job raises, or `ServerBusy`."""
        if self.waiting >= self.max_waiting:
            raise ServerBusy("The server has too much work waiting; try again shortly.", headers={"Retry-After": "1"})
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._enqueue(lane, job, result)
        return await result

    def _enqueue(self, lane: Lane, job: Generator[None, None, T], result: "asyncio.Future[T]") -> None:
        self._arrivals += 1
        heapq.heappush(self._waiting, _Ticket(self._arrivals + _HANDICAP[lane], lane, job, result))
        self._available.release()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._available.acquire()
            ticket = heapq.heappop(self._waiting)
            if ticket.result.done():  # cancelled: the client has gone or the deadline has passed
                ticket.job.close()
                continue
            finished, outcome = await loop.run_in_executor(self._threads, _advance, ticket.job)
            if finished:
                _settle(ticket.result, outcome)
            else:
                self._enqueue(ticket.lane, ticket.job, ticket.result)


def _advance(job: Generator[None, None, T]) -> tuple[bool, Any]:
    """One step: whether the job is finished, and its value or exception."""
    try:
        next(job)
        return False, None
    except StopIteration as finished:
        return True, finished.value
    except Exception as error:
        return True, error
    except BaseException as error:  # a panic of native code is no Exception: it must not end the worker
        return True, RuntimeError(type(error).__name__)


def _settle(result: "asyncio.Future[T]", outcome: Any) -> None:
    if result.done():
        return
    if isinstance(outcome, Exception):
        result.set_exception(outcome)
    else:
        result.set_result(outcome)

"""The queue: its order, its limits, and what becomes of work that nobody waits for."""

import asyncio
import inspect
import threading
import time
from contextlib import asynccontextmanager, suppress

import pytest

from server.errors import DeadlineExceeded, ServerBusy
from server.scheduler import Scheduler


class Panic(BaseException):
    """What native code raises when it breaks: not an `Exception`."""


def job(trace, name, steps=1):
    """Notes its name once a step and returns it."""
    for step in range(steps):
        if step:
            yield
        trace.append(name)
    return name


def failing(error):
    yield
    raise error


def endless():
    while True:
        yield


def scheduler(workers=1, max_waiting=1_000, timeout=10.0):
    return Scheduler(workers, max_waiting, timeout)


async def submit(queue, work, lane="standard"):
    """Puts the job in the queue and returns the task that waits for it."""
    task = asyncio.create_task(queue.run(work, lane))
    await asyncio.sleep(0)
    return task


@asynccontextmanager
async def held(queue):
    """Keeps the only worker busy until the block ends."""
    entered, gate = threading.Event(), threading.Event()

    def hold():
        entered.set()
        gate.wait(10)
        yield

    task = await submit(queue, hold())
    await asyncio.to_thread(entered.wait, 10)
    try:
        yield
    finally:
        gate.set()
    await task


async def closed(work):
    async with asyncio.timeout(3):
        while inspect.getgeneratorstate(work) != inspect.GEN_CLOSED:
            await asyncio.sleep(0.01)


async def cancelled(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def traced(jobs):
    """The order of the steps of (name, lane, steps) jobs that all wait for one worker."""

    async def drive():
        trace = []
        async with scheduler() as queue:
            async with held(queue):
                tasks = [await submit(queue, job(trace, name, steps), lane) for name, lane, steps in jobs]
            await asyncio.gather(*tasks)
        return trace

    return asyncio.run(drive())


def test_a_job_gives_its_value():
    async def drive():
        async with scheduler() as queue:
            return await queue.run(job([], "value", steps=5))

    assert asyncio.run(drive()) == "value"


def test_jobs_of_one_lane_are_first_come_first_served():
    names = [f"job {number}" for number in range(30)]
    assert traced([(name, "standard", 1) for name in names]) == names


def test_fast_goes_before_standard():
    assert traced([("standard", "standard", 1), ("fast", "fast", 1)]) == ["fast", "standard"]


def test_a_standard_job_is_not_starved_by_fast_ones():
    trace = traced([("standard", "standard", 1), *[("fast", "fast", 1)] * 60])
    assert 0 < trace.index("standard") < 30


def test_a_standard_job_is_not_starved_by_a_long_fast_one():
    trace = traced([("fast", "fast", 200), ("standard", "standard", 1)])
    assert 0 < trace.index("standard") < 30


def test_batch_goes_last():
    lanes = ["batch", "standard", "fast"]
    assert traced([(lane, lane, 1) for lane in lanes]) == ["fast", "standard", "batch"]


@pytest.mark.parametrize("lane", ["fast", "standard"])
def test_a_batch_is_not_starved(lane):
    trace = traced([("batch", "batch", 1), *[(lane, lane, 1)] * 150])
    assert 0 < trace.index("batch") < 100


def test_a_job_behind_a_long_batch_waits_for_a_step_at_most():
    for lane in ("fast", "standard"):
        jobs = [(f"batch {number}", "batch", 50) for number in range(10)]
        assert traced([*jobs, (lane, lane, 1)])[0] == lane


def test_a_short_job_does_not_wait_for_the_end_of_a_long_one():
    assert traced([("long", "standard", 100), ("short", "standard", 1)]).index("short") == 1


def test_long_jobs_take_turns():
    assert traced([("a", "standard", 3), ("b", "standard", 3)]) == ["a", "b", "a", "b", "a", "b"]


def test_a_full_queue_refuses_with_a_time_to_retry():
    async def drive():
        async with scheduler(max_waiting=2) as queue:
            async with held(queue):
                waiting = [await submit(queue, job([], "waiting")) for _ in range(2)]
                with pytest.raises(ServerBusy) as refused:
                    await queue.run(job([], "refused"))
            assert await asyncio.gather(*waiting) == ["waiting", "waiting"]
            return refused.value

    assert int(asyncio.run(drive()).headers["Retry-After"]) > 0


def test_jobs_that_nobody_waits_for_do_not_fill_the_queue():
    async def drive():
        async with scheduler(max_waiting=1) as queue:
            async with held(queue):
                await cancelled(await submit(queue, job([], "vanished")))
                living = await submit(queue, job([], "living"))
            return await living

    assert asyncio.run(drive()) == "living"


def test_a_job_past_its_deadline_ends_and_its_generator_is_closed():
    async def drive():
        work = endless()
        async with scheduler(timeout=0.05) as queue:
            with pytest.raises(DeadlineExceeded, match="took longer than"):
                async with queue.deadline():
                    await queue.run(work)
            await closed(work)

    asyncio.run(drive())


def test_one_deadline_counts_the_time_of_several_jobs():
    def slow():
        time.sleep(0.15)
        yield

    async def drive():
        done = []
        async with scheduler(timeout=0.4) as queue:
            with pytest.raises(DeadlineExceeded):
                async with queue.deadline():
                    done += [await queue.run(slow()) for _ in range(4)]
        return done

    assert asyncio.run(drive()) == []


def test_a_job_in_time_is_not_disturbed_by_the_deadline():
    async def drive():
        async with scheduler() as queue, queue.deadline():
            return await queue.run(job([], "in time"))

    assert asyncio.run(drive()) == "in time"


def test_the_deadline_counts_the_time_in_the_queue():
    async def drive():
        trace = []
        late = job(trace, "too late")
        async with scheduler(timeout=0.1) as queue:
            with suppress(DeadlineExceeded):
                async with held(queue):
                    with pytest.raises(DeadlineExceeded):
                        async with queue.deadline():
                            await queue.run(late)
            await closed(late)
        return trace

    assert asyncio.run(drive()) == []


def test_a_failing_job_fails_alone():
    async def drive():
        async with scheduler() as queue:
            async with held(queue):
                bad = await submit(queue, failing(ValueError("bad")))
                good = await submit(queue, job([], "good", steps=5))
            with pytest.raises(ValueError, match="bad"):
                await bad
            return await good

    assert asyncio.run(drive()) == "good"


def test_a_panic_of_native_code_does_not_stop_the_worker():
    async def drive():
        async with scheduler() as queue:
            with suppress(Exception, Panic):
                await queue.run(failing(Panic()))
            async with asyncio.timeout(5):
                return await queue.run(job([], "alive"))

    assert asyncio.run(drive()) == "alive"


def test_a_job_cancelled_in_the_queue_never_runs():
    async def drive():
        trace = []
        async with scheduler() as queue:
            work = job(trace, "cancelled")
            async with held(queue):
                await cancelled(await submit(queue, work))
            await closed(work)
        return trace

    assert asyncio.run(drive()) == []


def test_a_job_cancelled_in_a_step_takes_no_other_step_and_is_closed():
    async def drive():
        entered, gate, trace = threading.Event(), threading.Event(), []

        def steps():
            entered.set()
            gate.wait(10)
            yield
            trace.append("second step")

        work = steps()
        async with scheduler() as queue:
            task = await submit(queue, work)
            await asyncio.to_thread(entered.wait, 10)
            await cancelled(task)
            gate.set()
            await closed(work)
        return trace

    assert asyncio.run(drive()) == []


def test_all_workers_work_at_the_same_time():
    everyone = threading.Barrier(4, timeout=10)

    def meets_the_others():
        everyone.wait()
        return "met"
        yield

    async def drive():
        async with scheduler(workers=4) as queue:
            return await asyncio.gather(*(queue.run(meets_the_others()) for _ in range(4)))

    assert asyncio.run(drive()) == ["met"] * 4


def test_many_jobs_on_several_workers_each_get_their_own_value():
    async def drive():
        async with scheduler(workers=4) as queue:
            lanes = ["fast", "standard"] * 100
            jobs = [queue.run(job([], number, steps=1 + number % 7), lane) for number, lane in enumerate(lanes)]
            return await asyncio.gather(*jobs)

    assert asyncio.run(drive()) == list(range(200))


def test_no_more_jobs_run_at_once_than_there_are_workers():
    three = threading.Barrier(3, timeout=0.3)

    def waits_for_two_others():
        three.wait()
        yield

    async def drive():
        async with scheduler(workers=2) as queue:
            jobs = [queue.run(waits_for_two_others()) for _ in range(3)]
            return await asyncio.gather(*jobs, return_exceptions=True)

    assert {type(outcome) for outcome in asyncio.run(drive())} == {threading.BrokenBarrierError}


def test_nothing_waits_when_everything_is_done():
    async def drive():
        async with scheduler(workers=2) as queue:
            await asyncio.gather(*(queue.run(job([], "x", steps=3)) for _ in range(20)))
            return queue.waiting

    assert asyncio.run(drive()) == 0

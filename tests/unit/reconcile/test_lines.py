"""Progress where no terminal is: a line every now and then, and an estimate only where one can be made."""

from cobalt_mirror.workers.cli.reconcile_progress import lines, remaining
from cobalt_mirror.workers.reconcile.progress import Stage


def test_lines_come_every_ten_seconds_and_at_the_end_of_a_part() -> None:
    written: list[str] = []
    moments = iter([0.0, 5.0, 12.0, 13.0, 14.0])
    show = lines(written.append, monotonic=lambda: next(moments))
    for done in (100, 200, 300, 400):
        show(Stage.WALK, done=done, total=400)
    show(Stage.READ, done=1, total=3)

    assert written == [
        "100 of 400 accounts compared",
        "300 of 400 accounts compared, about 6 s left for this stage",
        "400 of 400 accounts compared",
    ]


def test_an_estimate_goes_by_the_speed_so_far() -> None:
    assert remaining(10, 100, 200, 1_000) == ", about 80 s left for this stage"


def test_without_a_total_or_a_speed_there_is_no_estimate() -> None:
    assert remaining(10, 100, 200, None) == ""
    assert remaining(10, 0, 200, 1_000) == ""

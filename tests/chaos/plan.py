"""The plan of a run: everything that will be done and when, out of the options alone."""

from tests.chaos.dashboard import plan_dashboard, plan_renewals
from tests.chaos.faults import plan_faults
from tests.chaos.isolation import plan_neighbours
from tests.chaos.journeys import plan_customers
from tests.chaos.options import Options
from tests.chaos.steps import Step


def make_plan(options: Options) -> tuple[Step, ...]:
    """The steps in the order of their times. The same options make the same plan."""
    customers = list(plan_customers(options))
    steps: list[Step] = [
        *customers,
        *plan_dashboard(options, customers),
        *plan_renewals(options, customers),
        *plan_faults(options),
        *plan_neighbours(options),
    ]
    return tuple(sorted(steps, key=lambda step: step.at))

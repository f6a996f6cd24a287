"""What a developer does with the API, one step an operation at least, in an order that works from an empty tenant.

Each step becomes an example of the documentation. After a change: RECORD_EXAMPLES=1 ./run test tests/docs/test_examples.py
"""

from tests.docs.scenario.audience import AUDIENCE
from tests.docs.scenario.integration import INTEGRATION
from tests.docs.scenario.reading import READING
from tests.docs.scenario.sending import AFTER_SENDING, SENDING
from tests.docs.scenario.setting_up import SETTING_UP
from tests.docs.scenario.steps import Step
from tests.docs.scenario.tidying_up import TIDYING_UP

__all__ = ["STEPS", "Step"]

STEPS: tuple[Step, ...] = (*SETTING_UP, *SENDING, *AFTER_SENDING, *READING, *INTEGRATION, *AUDIENCE, *TIDYING_UP)

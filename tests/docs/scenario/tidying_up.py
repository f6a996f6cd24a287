"""What was made is taken away again."""

from tests.docs.scenario.steps import Step

TIDYING_UP = (
    Step(
        "hold_back",
        "Hold a bridge back",
        {"subject": "bridge", "subject_id": "$bridge", "reason": "The template is wrong"},
        save={"hold": "data.id"},
        before="deliver",
    ),
    Step("list_holds", "What is held back"),
    Step("release_hold", "Let it go", path={"hold_id": "$hold"}),
    Step("remove_member", "Remove a member", path={"user_id": "$teammate"}),
    Step("delete_template", "Delete a template", path={"template_id": "$template"}),
    Step("delete_role", "Delete a role", path={"role_id": "$role"}),
    Step("delete_bridge", "Delete a bridge", path={"bridge_id": "$bridge"}),
    Step("remove_pool_member", "Take the relay out of the pool", path={"pool_id": "$pool", "member_id": "$member"}),
    Step("delete_pool", "Delete a pool", path={"pool_id": "$pool"}),
    Step("delete_provider", "Delete a relay", path={"provider_id": "$provider"}),
)

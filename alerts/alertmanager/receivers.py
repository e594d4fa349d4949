"""This file knows who can be told of an alert: chat, pagers, mail and webhooks, secrets only in files."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from alerts.wellformed import SecretFile, Web


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Slack(_Part):
    """A Slack channel."""

    api_url_file: SecretFile = Field(description="file that holds the webhook's address")
    channel: str


class PagerDuty(_Part):
    """A PagerDuty service."""

    routing_key_file: SecretFile = Field(description="file that holds the integration key")


class Email(_Part):
    """A mail address; the smarthost may also stand in Alertmanager's own `global`."""

    to: str
    sender: str | None = Field(None, alias="from")
    smarthost: str | None = None
    auth_username: str | None = None
    auth_password_file: SecretFile | None = None


SECRET_ADDRESS = re.compile(
    r"^\w+://[^/?]*@"
    r"|[?&][\w-]*(?:token|secret|passw|key|sig)[\w-]*="
    r"|//(?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks|[\w.-]+\.webhook\.office\.com)/",
    re.IGNORECASE,
)
"""A password, a key in the query, or a place of which whoever knows the address may write there."""


class Webhook(_Part):
    """A web address that takes Alertmanager's JSON. A secret address belongs into `url_file`."""

    url: Web | None = None
    url_file: SecretFile | None = None
    bearer_token_file: SecretFile | None = None

    @model_validator(mode="after")
    def _one(self) -> "Webhook":
        if (self.url is None) == (self.url_file is None):
            raise ValueError("needs either url or url_file")
        if self.url and SECRET_ADDRESS.search(self.url):
            raise ValueError(
                "holds a secret in the clear; put the address into a file and name it in url_file"
            )
        return self


class Opsgenie(_Part):
    """An Opsgenie integration."""

    api_key_file: SecretFile


class Teams(_Part):
    """A Microsoft Teams channel."""

    webhook_url_file: SecretFile


CLEAR = {
    "api_url": "api_url_file",
    "routing_key": "routing_key_file",
    "service_key": "routing_key_file",
    "auth_password": "auth_password_file",
    "password": "auth_password_file",
    "api_key": "api_key_file",
    "webhook_url": "webhook_url_file",
    "bearer_token": "bearer_token_file",
}
"""Keys that hold a secret in the clear, and the key that names a file instead."""


def _no_secrets(value: Any) -> Any:
    for kind in value.values() if isinstance(value, dict) else ():
        for key in kind if isinstance(kind, dict) else ():
            if key in CLEAR:
                raise ValueError(
                    f"{key} is a secret in the clear; put it into a file and name it in {CLEAR[key]}"
                )
    return value


class ReceiverKinds(_Part):
    """One receiver: any of these together."""

    slack: Slack | None = None
    pagerduty: PagerDuty | None = None
    email: Email | None = None
    webhook: Webhook | None = None
    opsgenie: Opsgenie | None = None
    teams: Teams | None = None

    @model_validator(mode="after")
    def _some(self) -> "ReceiverKinds":
        if not any((self.slack, self.pagerduty, self.email, self.webhook, self.opsgenie, self.teams)):
            raise ValueError("needs one of slack, pagerduty, email, webhook, opsgenie, teams")
        return self


Receiver = Annotated[ReceiverKinds, BeforeValidator(_no_secrets)]

"""Who may do what through the HTTP faces, as ``clusters.yml`` says it. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from cluster.config_section import Credentials
from cluster.subject import check_wanted

CertificateSubject = Annotated[str, AfterValidator(check_wanted)]
UserName = Annotated[str, Field(min_length=1, pattern=r"^[^:]+$")]


class Access(Credentials):
    """What callers must show: one of these ways is enough."""

    users: tuple[UserName, ...] = Field(
        (), description="users of basic_auth_users in the web configuration file"
    )
    client_certificates: tuple[CertificateSubject, ...] = Field(
        (), description="subjects of client certificates: CN=NAME, or with more attributes"
    )

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked for."""
        ways = self.bearer_token_file, self.basic_auth, self.users, self.client_certificates
        return not any(ways)


class RemediatorWeb(Access):
    """One access with all rights, or one for each right."""

    webhook: Access | None = Field(None, description="may send alerts, nothing else")
    read: Access | None = Field(None, description="may see clusters and journal")
    operate: Access | None = Field(None, description="may see, and call for a look")

    @model_validator(mode="after")
    def _one_way(self) -> RemediatorWeb:
        rights = {"webhook": self.webhook, "read": self.read, "operate": self.operate}
        given = [name for name, access in rights.items() if access is not None]
        if given and not self.is_open:
            raise ValueError(
                f"{', '.join(given)} cannot stand beside credentials for everything; "
                "move those to a right"
            )
        for name in given:
            access = rights[name]
            if access is not None and access.is_open:
                raise ValueError(f"{name} asks for nothing; name credentials, or leave it out")
        return self

    @property
    def is_divided(self) -> bool:
        """Whether rights have credentials of their own."""
        return any((self.webhook, self.read, self.operate))

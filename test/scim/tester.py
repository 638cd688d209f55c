"""The compliance tester of PyPI (scim2-tester), and reads of what can only be read.

Takes JSON on standard input: {"url", "headers", "schemas", "resourceTypes", "written", "read"}: what the service
says of itself, and names of resource types. Prints a line of JSON for each check: {"name", "status", "reason"}.
"""

import io
import json
import sys

from scim2_cli.session import Session
from scim2_models import Path, ResponseParameters, ScimPolicy, ScimProvider, SearchRequest
from scim2_tester import check_server

# The vendor's name of `usedAs`, which no schema can list: the one thing in a body that is not described.
BESIDE = "used as"


def tell(name, status, reason):
    print(json.dumps({"name": name, "status": status, "reason": reason or ""}), flush=True)


def client_of(given):
    """A client as `scim2 -u … -s … -r …` makes it; a write may wait for AWS."""
    session = Session(
        url=given["url"],
        headers=given["headers"],
        verify=True,
        schemas=io.StringIO(json.dumps(given["schemas"])),
        resource_types=io.StringIO(json.dumps(given["resourceTypes"])),
        service_provider_config=None,
    )
    session.client.client.timeout = 60
    return session.client


def reads(client, model):
    listed = client.query(model)
    yield "list", bool(listed.resources), f"{listed.total_results} resources"
    first, second = listed.resources[:2]

    beside = [each.unknown_attributes or {} for each in listed.resources]
    expected = [{BESIDE: each.used_as} if hasattr(each, "used_as") else {} for each in listed.resources]
    yield "described", beside == expected, "nothing beside its schema but what the vendor has"

    one = client.query(model, first.id)
    yield "one", one.model_dump() == first.model_dump(), f"{first.id} alone is as it is in the list"

    page = client.query(model, query_parameters=SearchRequest(start_index=2, count=1))
    yield "page", [each.id for each in page.resources] == [second.id], "the second page of one"

    found = client.query(model, query_parameters=SearchRequest(filter=f'displayName eq "{first.display_name}"'))
    yield "filter", first.id in [each.id for each in found.resources], f"by the name {first.display_name}"

    backwards = client.query(model, query_parameters=SearchRequest(sort_by=Path("id"), sort_order="descending"))
    ids = [each.id for each in backwards.resources]
    yield "sort", ids == sorted(ids, reverse=True), "by id, backwards"

    named = client.query(model, first.id, query_parameters=ResponseParameters(attributes=[Path("displayName")]))
    yield "attributes", named.display_name == first.display_name and not located(named), "the name alone"

    less = client.query(model, first.id, query_parameters=ResponseParameters(excluded_attributes=[Path("meta")]))
    yield "excludedAttributes", not located(less), "without meta"


def located(resource):
    """Whether the body says where it is; the client itself makes a `meta` of the entity tag."""
    return resource.meta is not None and resource.meta.location is not None


def main():
    given = json.load(sys.stdin)
    client = client_of(given)
    for result in check_server(client, resource_types=given["written"]):
        subject = f"{result.resource_type} " if result.resource_type else ""
        tell(f"{subject}{result.title}", result.status.name, result.reason)
    provider = client.provider
    lenient = ScimPolicy(unknown=ScimPolicy.Unknown.ignore)
    client.provider = ScimProvider(provider.models, provider.resource_types, provider.config, lenient)
    for name in given["read"]:
        for check, good, reason in reads(client, client.get_resource_model(name)):
            tell(f"{name} {check}", "SUCCESS" if good else "ERROR", reason)


main()

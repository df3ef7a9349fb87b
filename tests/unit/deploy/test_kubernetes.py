"""deploy/kubernetes as kubectl renders it: strictly within the schemas, its parts agreeing with each other."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from typing import Any

import kubernetes_validate
import pytest
import yaml

from services import topology
from tests.architecture.test_settings import EXAMPLE, VARIABLE
from tests.architecture.tree import ROOT, SERVICES

FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ["base", "overlays/production"]
VERSION = "1.32"
NAME = "app.kubernetes.io/name"


@cache
def rendered(folder: str) -> tuple[dict[str, Any], ...]:
    done = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of(kind: str, folder: str = "base") -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in rendered(folder) if one["kind"] == kind}


def pods(folder: str = "base") -> dict[str, dict[str, Any]]:
    return {name: one["spec"]["template"] for kind in ("Deployment", "Job") for name, one in of(kind, folder).items()}


PODS = sorted(pods())
DEPLOYED = sorted(of("Deployment"))


@pytest.mark.parametrize("folder", OVERLAYS)
def test_every_object_fits_its_schema_and_has_no_field_that_is_unknown(folder: str) -> None:
    for one in rendered(folder):
        kubernetes_validate.validate(one, VERSION, strict=True)


def test_a_field_that_is_misspelt_would_be_found() -> None:
    wrong = {**of("Deployment")["booking"]}
    wrong["spec"] = {**wrong["spec"], "replica": 2}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@pytest.mark.parametrize("folder", OVERLAYS)
def test_no_secret_is_in_the_manifests(folder: str) -> None:
    assert of("Secret", folder) == {}
    assert re.findall(r"(?i)(?:mongodb|amqp)://|password: \S", yaml.safe_dump_all(rendered(folder))) == []


@pytest.mark.parametrize("name", PODS)
def test_no_part_runs_as_root_writes_to_its_image_or_speaks_to_the_cluster(name: str) -> None:
    spec = pods()[name]["spec"]
    (container,) = spec["containers"]

    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", DEPLOYED)
def test_every_deployment_is_found_probed_and_kept_up(name: str) -> None:
    deployment = of("Deployment")[name]
    labels, (container,) = pods()[name]["metadata"]["labels"], pods()[name]["spec"]["containers"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        of("Service")[name]["spec"]["selector"],
        of("PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"],
    ]

    assert all(selector.items() <= labels.items() for selector in selectors)
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_asked_where_it_answers_and_reads_its_own_secrets(service: str) -> None:
    spec = pods()[service]["spec"]
    (container,) = spec["containers"]
    mounted = next(volume["secret"] for volume in spec["volumes"] if volume["name"] == "secrets")
    known = {name for name, _ in VARIABLE.findall(EXAMPLE.read_text())}

    assert container["args"] == [f"services.{service}"]
    assert container["startupProbe"]["httpGet"]["path"] == f"/{service}/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == f"/{service}/health/live"
    assert mounted["secretName"] == f"stillpoint-{service}"
    assert {item["path"].removeprefix("stillpoint_").upper() for item in mounted["items"]} <= known
    # The gateway asks the name for every replica's address, so the service has none of its own.
    assert of("Service")[service]["spec"]["clusterIP"] == "None"


def test_every_setting_is_one_that_the_services_know() -> None:
    known = {f"STILLPOINT_{name}" for name, _ in VARIABLE.findall(EXAMPLE.read_text())}

    assert set(of("ConfigMap")["stillpoint"]["data"]) <= known


def test_the_services_grow_with_the_depth_of_queues_that_exist() -> None:
    queues = {queue["name"] for queue in topology.definitions(topology.hears())["queues"]}
    depths = {name: one["spec"]["metrics"][0]["external"]["metric"] for name, one in
              of("HorizontalPodAutoscaler").items()}  # fmt: skip
    adapter = yaml.safe_load((FOLDER / "adapter-rules.yaml").read_text())["externalRules"]

    assert {name: depth["selector"]["matchLabels"]["queue"] for name, depth in depths.items()} == {
        service: f"{service}.inbox" for service in SERVICES
    }
    assert {depth["selector"]["matchLabels"]["queue"] for depth in depths.values()} <= queues
    assert {depth["name"] for depth in depths.values()} == {rule["name"]["as"] for rule in adapter}
    assert all("replicas" not in of("Deployment")[name]["spec"] for name in depths)


def test_nobody_speaks_or_is_spoken_to_unless_a_policy_says_so() -> None:
    policies = of("NetworkPolicy")
    nothing = policies["nothing-else"]["spec"]
    selected = {NAME: set(PODS)}

    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, policy in policies.items():
        selector = policy["spec"]["podSelector"]
        meant = set(selector.get("matchLabels", {}).values())
        meant |= {value for one in selector.get("matchExpressions", []) for value in one["values"]}
        assert meant <= selected[NAME], f"{name} is for nobody"
    private = policies["outward"]["spec"]["egress"][0]["to"][0]["ipBlock"]
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(private["except"])
    assert "screening" not in str(policies["outward"]["spec"]["podSelector"])


def test_the_public_reaches_the_gateway_only() -> None:
    (ingress,) = of("Ingress").values()
    backends = [
        path["backend"]["service"]["name"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]
    ]

    assert backends == ["gateway"]


def test_an_overlay_names_its_domain_everywhere_and_its_own_images() -> None:
    folder = OVERLAYS[1]
    host = of("Ingress", folder)["stillpoint"]["spec"]["rules"][0]["host"]
    images = {spec["spec"]["containers"][0]["image"] for spec in pods(folder).values()}

    assert of("ConfigMap", folder)["stillpoint"]["data"]["STILLPOINT_PUBLIC_ORIGIN"] == f"https://{host}"
    assert "your.domain" not in yaml.safe_dump_all(rendered(folder))
    assert all(":" in image and not image.endswith(":latest") for image in images)

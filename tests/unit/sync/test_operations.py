"""What operators see: health, readiness, metrics, logs."""

import http.client
import json
import logging
from urllib.parse import urlsplit

from sync.store.operations import JsonFormatter
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, served
from tests.unit.sync.test_courier import run_once


def get(url: str, path: str) -> tuple[int, str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_health_readiness_and_metrics(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    fill_spool(unit)
    with served(store) as url:
        run_once(unit, url)
        assert get(url, "/healthz")[0] == 200
        assert get(url, "/readyz")[0] == 200
        status, text = get(url, "/metrics")
    assert status == 200
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    files = store.ledger.files()
    assert values["recorder_store_files"] == str(len(files))
    assert values["recorder_store_file_bytes"] == values["recorder_store_received_bytes_total"]
    assert values["recorder_store_file_bytes"] == str(sum(row["size_bytes"] for row in files))
    assert values['recorder_store_requests_total{method="PATCH",status="204",reason=""}'] == str(len(files))
    assert values["recorder_store_parked_files"] == "0"
    assert all(line.split()[2].startswith("recorder_store_") for line in text.splitlines() if line.startswith("# TYPE"))


def test_refusals_are_counted_by_their_reason(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    with served(store) as url:
        assert get(url, f"/v1/{unit.device_id}/receipts/{'0' * 64}")[0] == 404
        text = get(url, "/metrics")[1]
    assert 'recorder_store_requests_total{method="GET",status="404",reason="no-receipt"} 1' in text


def test_a_store_without_room_is_not_well(store: StoreOnDisk) -> None:
    store.vault.reserve_bytes = 1 << 62
    with served(store) as url:
        assert get(url, "/healthz")[0] == 507
        assert get(url, "/readyz")[0] == 507


def test_a_log_line_is_one_json_object() -> None:
    record = logging.LogRecord("sync.store", logging.WARNING, __file__, 1, "alert %s", ("fault",), None)
    told = json.loads(JsonFormatter().format(record))
    assert (told["level"], told["logger"], told["message"]) == ("warning", "sync.store", "alert fault")
    assert "exception" not in told

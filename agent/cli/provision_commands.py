"""`recorder provision`: a bare unit becomes its agency's.

Rules of this module: works on the state directory that it is told, never on that of a running agent; doing it again
changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

import click
from pydantic import ValidationError

from agent.cli.surroundings import MESSAGES, Surroundings, pass_surroundings, print_pairs
from agent.config import DEFAULT_PATH, CustodyTable, KeysTable, SignerKind, load_config
from agent.config_writer import NewConfig, write_config
from agent.device_key import assurance_of, place_of_key
from agent.errors import IdentityError
from agent.lock import only_agent
from agent.profile import SIGNED_SUFFIX, describe, describe_short, load_profile
from agent.provisioning import UnitFolders, install_bundle, request_enrolment, unit_of
from sealing.oids import Assurance
from sync.durable import write_file
from sync.enrolment import BUNDLE_BYTES_MAX, EnrolmentBundle

_DEVICE_ID: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_FINGERPRINT_BYTES: Final = 32
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
_TCTI: Final = "device:/dev/tpmrm0"
_SUITE_HELP: Final = "机关所用密码套件，3 为国密 / Suite that the agency seals by; 3 is SM2, SM3, SM4."
Directory = click.Path(path_type=Path, file_okay=False)
STATE_OPTION = click.option(
    "--state",
    required=True,
    type=Directory,
    help="设备状态目录 / The unit's state directory, as a rule /var/lib/recorder.",
)


@click.group()
def provision() -> None:
    """注册设备 / Make a unit its agency's."""


@provision.command("request")
@STATE_OPTION
@click.option("--device-id", required=True, help="设备编号 / Id of the unit.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="申请文件 / Request."
)
@click.option(
    "--assurance",
    type=click.Choice([Assurance.SIMULATED.value]),
    help="模拟设备 / A unit of the simulator, whose footage is never evidence.",
)
@click.option(
    "--signer",
    type=click.Choice([each.value for each in SignerKind]),
    default=SignerKind.FILE.value,
    show_default=True,
    help="设备密钥存放处 / Where the device key is made and kept.",
)
@click.option("--module", type=_FILE, help="PKCS#11 库 / The maker's PKCS#11 library.")
@click.option("--token", help="PKCS#11 令牌标签 / Label of the PKCS#11 token.")
@click.option("--key", default="device-key", show_default=True, help="令牌内密钥标签 / Label of the key in it.")
@click.option("--pin-file", type=_FILE, help="令牌口令文件 / File with the token's PIN, mode 0600.")
@click.option("--tcti", default=_TCTI, show_default=True, help="TPM 连接方式 / How the TPM is reached.")
@click.option("--suite", type=click.Choice(["1", "2", "3"]), default="1", show_default=True, help=_SUITE_HELP)
@pass_surroundings
def request(  # noqa: PLR0913, PLR0917 - one parameter for each option
    surroundings: Surroundings,
    state: Path,
    device_id: str,
    output: Path,
    assurance: str | None,
    signer: str,
    module: Path | None,
    token: str | None,
    key: str,
    pin_file: Path | None,
    tcti: str,
    suite: str,
) -> None:
    """生成密钥与申请 / Make the unit's keys and the request for `recorder-store enrol`."""
    checked = _checked_device_id(device_id)
    try:
        keys = KeysTable(
            signer=SignerKind(signer),
            module=_absolute(module),
            token=token,
            key=key,
            pin_file=_absolute(pin_file),
            tcti=tcti,
        )
    except ValidationError as error:
        raise click.UsageError(describe(error, "--signer")) from error
    kept = assurance_of(keys) if assurance is None else Assurance(assurance)
    data = request_enrolment(_folders(state), checked, kept, keys, int(suite))
    write_file(output, data, 0o644)
    print_pairs(((surroundings.words("申请已写入", "Request written to"), str(output)),))


@provision.command("install")
@click.argument("bundle", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@STATE_OPTION
@click.option(
    "--ca-sha256", metavar="HEX", help="已核对的机关根证书指纹 / Fingerprint of the agency's CA that you compared."
)
@click.option(
    "--profile",
    "profile_name",
    help="规则：已签署的 .profile 文件 / The signed profile, for a new configuration; an id or .toml for tests.",
)
@click.option("--driver-set", default="pi", show_default=True, help="硬件驱动 / Driver set, for a new configuration.")
@click.option(
    "--run",
    "run_directory",
    type=Directory,
    default=Path("/run/recorder"),
    show_default=True,
    help="运行目录 / Run directory, for a new configuration.",
)
@click.option("--keeper", metavar="姓名:编号", help="设备保管人 / The unit's standing keeper, for a new configuration.")
@pass_surroundings
def install(  # noqa: PLR0913, PLR0917 - one for each option
    surroundings: Surroundings,
    bundle: Path,
    state: Path,
    ca_sha256: str | None,
    profile_name: str | None,
    driver_set: str,
    run_directory: Path,
    keeper: str | None,
) -> None:
    """安装机关的回复 / Install the agency's answer; where there is no configuration, one is written."""
    folders = _folders(state)
    device_id = unit_of(folders)
    if device_id is None:
        raise IdentityError(f"{folders.keys}: no keys; run `recorder provision request` first")
    if profile_name is not None and not profile_name.endswith(SIGNED_SUFFIX):
        load_profile(profile_name)
    data = _bundle_bytes(bundle)
    with only_agent(state):
        installed = install_bundle(folders, data, device_id, _fingerprint(ca_sha256))
        settings = NewConfig(
            device_id,
            state,
            run_directory,
            driver_set,
            profile_name,
            installed.store_url,
            place_of_key(folders.keys),
            _keeper(keeper),
        )
        config = _configured(surroundings, settings)
    _say_installed(surroundings, installed, config)


def _keeper(text: str | None) -> CustodyTable | None:
    if text is None:
        return None
    name, _, number = text.replace("：", ":").partition(":")
    try:
        return CustodyTable(keeper_id=number.strip(), keeper_name=name.strip())
    except ValidationError as error:
        raise click.BadParameter(
            f"{text!r}: write 姓名:编号; {describe_short(error)}", param_hint="--keeper"
        ) from error


def _configured(surroundings: Surroundings, settings: NewConfig) -> Path:
    path = surroundings.config_path or DEFAULT_PATH
    if path.exists():
        load_config(path)
        MESSAGES.print(surroundings.words(f"{path} 已存在，未改动", f"{path} is there and was not changed"))
    else:
        write_config(path, settings)
    return path


def _say_installed(surroundings: Surroundings, installed: EnrolmentBundle, config: Path) -> None:
    words = surroundings.words
    print_pairs(
        (
            (words("设备", "Unit"), installed.device_id),
            (words("存储服务", "Store"), f"{installed.store_id} {installed.store_url}"),
            (words("密钥接收方", "Recipients"), ", ".join(one.name for one in installed.recipients)),
            (words("机关根证书指纹", "Agency CA SHA-256"), hashlib.sha256(installed.agency_ca_der).hexdigest()),
            (words("配置", "Configuration"), str(config)),
        )
    )


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()


def _folders(state: Path) -> UnitFolders:
    return UnitFolders(state / "keys", state / "certificates")


def _checked_device_id(device_id: str) -> str:
    if re.fullmatch(_DEVICE_ID, device_id) is None:
        raise click.BadParameter(
            f"{device_id!r}: letters, digits, '.', '_' and '-', 64 at most", param_hint="--device-id"
        )
    return device_id


def _bundle_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BUNDLE_BYTES_MAX + 1)


def _fingerprint(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        value = bytes.fromhex(text.replace(":", ""))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not hexadecimal", param_hint="--ca-sha256") from error
    if len(value) != _FINGERPRINT_BYTES:
        raise click.BadParameter(f"{len(value)} bytes, a SHA-256 has 32", param_hint="--ca-sha256")
    return value

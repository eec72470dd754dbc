"""The words that go with an exported fork: what lies in the folder, and how anybody checks it.

Rules of this module: text alone, Chinese first.
"""

from typing import Final

README: Final = """\
分叉证据 / Evidence of a forked chain
====================================

设备 {device_id} 的封存链在序号 {sequence} 处有两条不同的记录,两条都由该设备签名。一条真正的链在一个序号上只有一条记录,
因此设备的密钥或存储卡曾被复制,或其链曾被改写。本文件夹即证明,任何人均可核验,不需要任何私钥。

核验:
  recorder verify-fork 本文件夹 --trust 信任目录
信任目录中须有本机构的 agency-ca.pem;请向机构另行索取并核对,勿只用本文件夹内的副本。

The chain of unit {device_id} has two different records with the number {sequence}, both signed by the unit. A true
chain has one record for one number: the unit's key or card was copied, or its chain was rewritten. This folder proves
it to anybody, without any private key.

To check it:
  recorder verify-fork THIS-FOLDER --trust TRUST
TRUST holds the agency's agency-ca.pem; get that from the agency, do not rely on the copy in here alone.

one/    {one} ({one_source})
other/  {other} ({other_source})

  opening.cose   签名的 OPEN 头,带设备证书与时段证书 / signed header of the file's OPEN, with the certificates
  record.cose    签名的记录头;其散列如上 / signed header of the record; its hash is the one above
  epoch.cose     记录所属时段的证书(如另有)/ certificate of the record's epoch, where it is another one
  *.evs          整个封存文件(如有)/ the whole sealed file, where the store has it

Without our software (sealing/FORMAT.md): take the device certificate and the epoch certificate out of each OPEN's body
(section 5), check the device certificate against the CA, the epoch certificate by the device key, both COSE_Sign1 by
the epoch key (section 1); both records name the same unit and number, and their hashes differ.

Where whole files are there, `recorder verify --part one --trust trust` and the same of `other` each find an intact part
of a chain; `recorder verify --part other --trust witness` finds FORK_VS_WITNESS: that folder holds what the store has
signed for the first side (receipt, statement).

fork.json      以上事实 / these facts
trust/         机构证书的副本 / copies of the agency's certificates
witness/       同上,另有存储对 one 的回执或见证 / the same, with the store's receipt or statement for `one`
"""

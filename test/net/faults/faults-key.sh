#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# faults.sh with a key, and with none to two threads for it: handshakes meet the faults too, and a bit
# that flips or an end without TLS's word for it costs the connection.
MPNC_FAULT_KEY=1 MPNC_FAULT_RUNS=${MPNC_FAULT_RUNS:-16} exec bash "$(dirname "$0")/faults.sh"

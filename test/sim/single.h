/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * single.h - the rate of one TCP flow alone, to be compared with the kernel's
 */
#pragma once

/* Prints a line for each rate (Mbit/s), round trip (ms) and loss (%): "rate rtt loss cubic bbr",
 * each the median of some runs of 20 s, over a bucket of 3000 bytes with a queue of 50 ms, behind
 * which the way back has all of the delay, and before which packets are lost. */
void single_table(void);

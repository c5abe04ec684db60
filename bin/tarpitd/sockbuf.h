#pragma once
/* SPDX-License-Identifier: ISC */
/*
 * The kernel's buffers of a client's socket: tiny while it is slowed, so that
 * it can push little into us, and as if we had never been when the MTA gets
 * it.
 */

/* Makes the sockets accepted from LISTENER start with a receive window of
 * 1,152 bytes that can still grow to any size.  Without it a slowed client
 * could push 64 KiB before the first window update.  Best effort. */
void sockbuf_prepare_listener(int listener);

/* Fixes the buffers of a slowed client's socket at the kernel's smallest. */
void sockbuf_shrink(int fd);

/* Has it receive the rest of a command line, of which there is a part. */
void sockbuf_fit_line(int fd);

/* For a session that will never be handed on: the plainest congestion control,
 * which is all that 5 bytes a second need and costs the least for each. */
void sockbuf_use_reno(int fd);

/* Gives both buffers back to the kernel's own sizing; for a hand-off. */
void sockbuf_restore(int fd);
/* Tells the client's kernel at once what has been read. */
void sockbuf_acknowledge(int fd);

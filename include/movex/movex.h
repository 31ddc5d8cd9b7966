/** @file movex.h
 *  libmovex keeps state in sync among many players.
 *
 *  A game describes its state as plain structs (schema.h) and writes one deterministic reducer (type.h). The library runs it
 *  on a master (master.h), which orders all actions and is right, and on every client (client.h), at once and
 *  optimistically, and proves with checksums that all agree. Frames travel through an emitter (io.h): local.h within a
 *  process, websocket.h between machines, or one of your own.
 *
 *  The library has no threads, no globals, no clock; it never blocks and never prints. Programs poll it with their own time
 *  and drain events. Objects made by `..._new` are freed by `..._free`; what a function returns otherwise is lent. Every
 *  object is used by one thread at a time; different objects may be used by different threads at once.
 *
 *  This header has all of the above but the emitters, which are included one by one. */
#ifndef MOVEX_MOVEX_H
#define MOVEX_MOVEX_H

#include <movex/allocator.h>
#include <movex/client.h>
#include <movex/codec.h>
#include <movex/determinism.h>
#include <movex/export.h>
#include <movex/io.h>
#include <movex/limits.h>
#include <movex/master.h>
#include <movex/replay.h>
#include <movex/schema.h>
#include <movex/stats.h>
#include <movex/status.h>
#include <movex/text.h>
#include <movex/type.h>

#endif

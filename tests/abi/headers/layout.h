/* Where everything is in the ABI, written out as numbers: what is compiled against these headers today is
 * still read right tomorrow. Included by layout.c and layout.cpp.
 *
 * A line may be added behind the last one of a table, and the size of that table changes with it, together
 * with GANTRY_ABI_MINOR. Every other change breaks modules that exist. docs/abi.md has the promise. */
#include "gantry/gantry.h"

#define SIZE(type, size) STATIC_ASSERT(sizeof(type) == (size), "the size of " #type)
#define AT(type, member, offset) STATIC_ASSERT(offsetof(type, member) == (offset), #type "." #member)
#define IS(constant, value) STATIC_ASSERT((constant) == (value), #constant)

/* Pointers of 8 bytes; no other processor is served so far. */
STATIC_ASSERT(sizeof(void*) == 8, "the numbers below are for 64 bits");

/* ---- gantry/base.h */

SIZE(gantry_bytes_t, 16);
AT(gantry_bytes_t, data, 0);
AT(gantry_bytes_t, size, 8);

SIZE(gantry_address_t, 24);
AT(gantry_address_t, ip, 0);
AT(gantry_address_t, port, 16);
AT(gantry_address_t, family, 18);
AT(gantry_address_t, unused, 19);

/* ---- gantry/host.h */

SIZE(struct gantry_host, 40);
AT(struct gantry_host, size, 0);
AT(struct gantry_host, abi_major, 4);
AT(struct gantry_host, abi_minor, 8);
AT(struct gantry_host, unused, 12);
AT(struct gantry_host, version, 16);
AT(struct gantry_host, data, 24);
AT(struct gantry_host, get_extension, 32);

SIZE(gantry_instance_1_t, 64);
AT(gantry_instance_1_t, size, 0);
AT(gantry_instance_1_t, prepare, 8);
AT(gantry_instance_1_t, configure, 16);
AT(gantry_instance_1_t, commit, 24);
AT(gantry_instance_1_t, retire, 32);
AT(gantry_instance_1_t, configure_host, 40);
AT(gantry_instance_1_t, configure_listener, 48);
AT(gantry_instance_1_t, configure_upstream, 56);

/* ---- gantry/entry.h */

SIZE(gantry_module_entry_t, 56);
AT(gantry_module_entry_t, size, 0);
AT(gantry_module_entry_t, abi_major, 4);
AT(gantry_module_entry_t, abi_minor, 8);
AT(gantry_module_entry_t, name, 16);
AT(gantry_module_entry_t, version, 24);
AT(gantry_module_entry_t, open, 32);
AT(gantry_module_entry_t, close, 40);
AT(gantry_module_entry_t, get_extension, 48);

/* ---- gantry/ext/log.h */

SIZE(gantry_log_1_t, 24);
AT(gantry_log_1_t, size, 0);
AT(gantry_log_1_t, wants, 8);
AT(gantry_log_1_t, write, 16);

/* ---- gantry/ext/conf.h */

SIZE(gantry_key_t, 96);
AT(gantry_key_t, name, 0);
AT(gantry_key_t, type, 8);
AT(gantry_key_t, scopes, 12);
AT(gantry_key_t, flags, 16);
AT(gantry_key_t, key_count, 20);
AT(gantry_key_t, keys, 24);
AT(gantry_key_t, short_for, 32);
AT(gantry_key_t, standard, 40);
AT(gantry_key_t, example, 48);
AT(gantry_key_t, doc, 56);
AT(gantry_key_t, choices, 64);
AT(gantry_key_t, least, 72);
AT(gantry_key_t, most, 80);
AT(gantry_key_t, deprecated, 88);

SIZE(gantry_conf_1_t, 128);
AT(gantry_conf_1_t, size, 0);
AT(gantry_conf_1_t, declare, 8);
AT(gantry_conf_1_t, find, 16);
AT(gantry_conf_1_t, find_own, 24);
AT(gantry_conf_1_t, parent, 32);
AT(gantry_conf_1_t, kind, 40);
AT(gantry_conf_1_t, name, 48);
AT(gantry_conf_1_t, boolean, 56);
AT(gantry_conf_1_t, integer, 64);
AT(gantry_conf_1_t, text, 72);
AT(gantry_conf_1_t, count, 80);
AT(gantry_conf_1_t, at, 88);
AT(gantry_conf_1_t, name_at, 96);
AT(gantry_conf_1_t, member, 104);
AT(gantry_conf_1_t, error, 112);
AT(gantry_conf_1_t, warning, 120);

/* ---- gantry/ext/http.h */

SIZE(gantry_body_reader_t, 32);
AT(gantry_body_reader_t, size, 0);
AT(gantry_body_reader_t, unused, 4);
AT(gantry_body_reader_t, on_data, 8);
AT(gantry_body_reader_t, on_end, 16);
AT(gantry_body_reader_t, self, 24);

SIZE(gantry_http_1_t, 280);
AT(gantry_http_1_t, size, 0);
AT(gantry_http_1_t, method, 8);
AT(gantry_http_1_t, target, 16);
AT(gantry_http_1_t, path, 24);
AT(gantry_http_1_t, query, 32);
AT(gantry_http_1_t, host, 40);
AT(gantry_http_1_t, scheme, 48);
AT(gantry_http_1_t, protocol, 56);
AT(gantry_http_1_t, client, 64);
AT(gantry_http_1_t, variable, 72);
AT(gantry_http_1_t, evaluate, 80);
AT(gantry_http_1_t, set_path, 88);
AT(gantry_http_1_t, read_body, 96);
AT(gantry_http_1_t, field, 104);
AT(gantry_http_1_t, field_at, 112);
AT(gantry_http_1_t, set_field, 120);
AT(gantry_http_1_t, add_field, 128);
AT(gantry_http_1_t, remove_field, 136);
AT(gantry_http_1_t, status, 144);
AT(gantry_http_1_t, set_status, 152);
AT(gantry_http_1_t, is_head_sent, 160);
AT(gantry_http_1_t, respond, 168);
AT(gantry_http_1_t, fail, 176);
AT(gantry_http_1_t, send_head, 184);
AT(gantry_http_1_t, send_body, 192);
AT(gantry_http_1_t, finish, 200);
AT(gantry_http_1_t, is_congested, 208);
AT(gantry_http_1_t, watch, 216);
AT(gantry_http_1_t, allocate, 224);
AT(gantry_http_1_t, note, 232);
AT(gantry_http_1_t, set_note, 240);
AT(gantry_http_1_t, body_size, 248);
AT(gantry_http_1_t, addresses, 256);
AT(gantry_http_1_t, pause_body, 264);
AT(gantry_http_1_t, resume_body, 272);

/* ---- gantry/ext/phase.h */

IS(GANTRY_HOOK_PREFLIGHTS, 1);
SIZE(gantry_hook_t, 56);
AT(gantry_hook_t, size, 0);
AT(gantry_hook_t, flags, 4);
AT(gantry_hook_t, phase, 8);
AT(gantry_hook_t, name, 16);
AT(gantry_hook_t, before, 24);
AT(gantry_hook_t, after, 32);
AT(gantry_hook_t, run, 40);
AT(gantry_hook_t, self, 48);

SIZE(gantry_phase_1_t, 16);
AT(gantry_phase_1_t, size, 0);
AT(gantry_phase_1_t, add, 8);

/* ---- gantry/ext/filter.h */

SIZE(gantry_header_filter_t, 48);
AT(gantry_header_filter_t, size, 0);
AT(gantry_header_filter_t, unused, 4);
AT(gantry_header_filter_t, name, 8);
AT(gantry_header_filter_t, before, 16);
AT(gantry_header_filter_t, after, 24);
AT(gantry_header_filter_t, run, 32);
AT(gantry_header_filter_t, self, 40);

SIZE(gantry_body_filter_t, 40);
AT(gantry_body_filter_t, size, 0);
AT(gantry_body_filter_t, unused, 4);
AT(gantry_body_filter_t, on_data, 8);
AT(gantry_body_filter_t, on_end, 16);
AT(gantry_body_filter_t, drop, 24);
AT(gantry_body_filter_t, on_pause, 32);

SIZE(gantry_filter_1_t, 32);
AT(gantry_filter_1_t, size, 0);
AT(gantry_filter_1_t, add_header_filter, 8);
AT(gantry_filter_1_t, add_body_filter, 16);
AT(gantry_filter_1_t, send, 24);

/* ---- gantry/ext/async.h */

SIZE(gantry_ticket_t, 16);
AT(gantry_ticket_t, place, 0);
AT(gantry_ticket_t, serial, 8);

SIZE(gantry_async_1_t, 48);
AT(gantry_async_1_t, size, 0);
AT(gantry_async_1_t, suspend, 8);
AT(gantry_async_1_t, resume, 16);
AT(gantry_async_1_t, exchange_of, 24);
AT(gantry_async_1_t, post, 32);
AT(gantry_async_1_t, run_blocking, 40);

/* ---- gantry/ext/timer.h */

SIZE(gantry_timer_1_t, 48);
AT(gantry_timer_1_t, size, 0);
AT(gantry_timer_1_t, resume_after, 8);
AT(gantry_timer_1_t, every, 16);
AT(gantry_timer_1_t, cancel, 24);
AT(gantry_timer_1_t, monotonic, 32);
AT(gantry_timer_1_t, run_after, 40);

/* ---- gantry/ext/metrics.h */

SIZE(gantry_metric_t, 88);
AT(gantry_metric_t, size, 0);
AT(gantry_metric_t, type, 4);
AT(gantry_metric_t, name, 8);
AT(gantry_metric_t, unit, 16);
AT(gantry_metric_t, help, 24);
AT(gantry_metric_t, labels, 32);
AT(gantry_metric_t, per_unit, 40);
AT(gantry_metric_t, most_series, 48);
AT(gantry_metric_t, bound_count, 52);
AT(gantry_metric_t, bounds, 56);
AT(gantry_metric_t, least, 64);
AT(gantry_metric_t, most, 72);
AT(gantry_metric_t, steps, 80);
AT(gantry_metric_t, unused, 84);

SIZE(gantry_metric_view_t, 80);
AT(gantry_metric_view_t, size, 0);
AT(gantry_metric_view_t, type, 4);
AT(gantry_metric_view_t, name, 8);
AT(gantry_metric_view_t, unit, 24);
AT(gantry_metric_view_t, help, 40);
AT(gantry_metric_view_t, per_unit, 56);
AT(gantry_metric_view_t, bounds, 64);
AT(gantry_metric_view_t, bound_count, 72);
AT(gantry_metric_view_t, unused, 76);

SIZE(gantry_sample_t, 48);
AT(gantry_sample_t, size, 0);
AT(gantry_sample_t, label_count, 4);
AT(gantry_sample_t, labels, 8);
AT(gantry_sample_t, values, 16);
AT(gantry_sample_t, value, 24);
AT(gantry_sample_t, buckets, 32);
AT(gantry_sample_t, sum, 40);

SIZE(gantry_metric_visitor_t, 24);
AT(gantry_metric_visitor_t, size, 0);
AT(gantry_metric_visitor_t, unused, 4);
AT(gantry_metric_visitor_t, on_metric, 8);
AT(gantry_metric_visitor_t, on_sample, 16);

SIZE(gantry_metrics_1_t, 80);
AT(gantry_metrics_1_t, size, 0);
AT(gantry_metrics_1_t, declare, 8);
AT(gantry_metrics_1_t, series, 16);
AT(gantry_metrics_1_t, release, 24);
AT(gantry_metrics_1_t, add, 32);
AT(gantry_metrics_1_t, set, 40);
AT(gantry_metrics_1_t, observe, 48);
AT(gantry_metrics_1_t, begin_walk, 56);
AT(gantry_metrics_1_t, walk, 64);
AT(gantry_metrics_1_t, end_walk, 72);

/* ---- numbers */

IS(GANTRY_NEXT, 0);
IS(GANTRY_DONE, 1);
IS(GANTRY_WAIT, 2);
IS(GANTRY_FAIL, 3);
IS(GANTRY_AGAIN, 4);
IS(GANTRY_OK, 0);
IS(GANTRY_ERROR_ARGUMENT, -1);
IS(GANTRY_ERROR_STATE, -2);
IS(GANTRY_ERROR_LIMIT, -3);
IS(GANTRY_ERROR_STALE, -4);

IS(GANTRY_TRACE, 0);
IS(GANTRY_DEBUG, 1);
IS(GANTRY_INFO, 2);
IS(GANTRY_WARN, 3);
IS(GANTRY_ERROR, 4);
IS(GANTRY_CRITICAL, 5);

IS(GANTRY_IN_SERVER, 1);
IS(GANTRY_IN_HOST, 2);
IS(GANTRY_IN_LOCATION, 4);
IS(GANTRY_IN_LISTENER, 8);
IS(GANTRY_IN_UPSTREAM, 16);
IS(GANTRY_TYPE_BOOLEAN, 1);
IS(GANTRY_TYPE_INTEGER, 2);
IS(GANTRY_TYPE_SIZE, 3);
IS(GANTRY_TYPE_TIMESPAN, 4);
IS(GANTRY_TYPE_STRING, 5);
IS(GANTRY_TYPE_PATH, 6);
IS(GANTRY_TYPE_TEMPLATE, 7);
IS(GANTRY_TYPE_CHOICE, 8);
IS(GANTRY_TYPE_TABLE, 9);
IS(GANTRY_KEY_REQUIRED, 1);
IS(GANTRY_KEY_LIST, 2);
IS(GANTRY_KEY_NAMED, 4);
IS(GANTRY_KEY_HANDLER, 8);
IS(GANTRY_KEY_SECRET, 16);

IS(GANTRY_COUNTER, 1);
IS(GANTRY_GAUGE, 2);
IS(GANTRY_HISTOGRAM, 3);

IS(GANTRY_REQUEST, 0);
IS(GANTRY_RESPONSE, 1);

/* ---- gantry/ext/store.h */

SIZE(gantry_store_entry_t, 64);
AT(gantry_store_entry_t, key, 0);
AT(gantry_store_entry_t, value, 16);
AT(gantry_store_entry_t, version, 32);
AT(gantry_store_entry_t, id, 40);
AT(gantry_store_entry_t, time, 48);
AT(gantry_store_entry_t, attempts, 56);
AT(gantry_store_entry_t, unused, 60);

SIZE(gantry_store_answer_t, 64);
AT(gantry_store_answer_t, size, 0);
AT(gantry_store_answer_t, outcome, 4);
AT(gantry_store_answer_t, version, 8);
AT(gantry_store_answer_t, id, 16);
AT(gantry_store_answer_t, count, 24);
AT(gantry_store_answer_t, previous, 32);
AT(gantry_store_answer_t, into_window, 40);
AT(gantry_store_answer_t, entries, 48);
AT(gantry_store_answer_t, entry_count, 56);

SIZE(gantry_store_reply_t, 32);
AT(gantry_store_reply_t, ticket, 0);
AT(gantry_store_reply_t, state, 16);
AT(gantry_store_reply_t, done, 24);

SIZE(gantry_store_1_t, 96);
AT(gantry_store_1_t, size, 0);
AT(gantry_store_1_t, get, 8);
AT(gantry_store_1_t, put, 16);
AT(gantry_store_1_t, erase, 24);
AT(gantry_store_1_t, list, 32);
AT(gantry_store_1_t, add, 40);
AT(gantry_store_1_t, append, 48);
AT(gantry_store_1_t, read, 56);
AT(gantry_store_1_t, claim, 64);
AT(gantry_store_1_t, acknowledge, 72);
AT(gantry_store_1_t, reject, 80);
AT(gantry_store_1_t, dead, 88);

IS(GANTRY_STORED, 0);
IS(GANTRY_ABSENT, 1);
IS(GANTRY_CONFLICT, 2);
IS(GANTRY_FULL, 3);
IS(GANTRY_UNAVAILABLE, 4);
IS(GANTRY_ANY_VERSION, UINT64_MAX);
IS(GANTRY_STORE_NAME_MAX, 512);
IS(GANTRY_STORE_VALUE_MAX, 1048576);
IS(GANTRY_STORE_ENTRIES_MAX, 1000);

/* ---- gantry/ext/conn.h */

SIZE(gantry_conn_filter_t, 56);
AT(gantry_conn_filter_t, size, 0);
AT(gantry_conn_filter_t, most, 4);
AT(gantry_conn_filter_t, deadline, 8);
AT(gantry_conn_filter_t, name, 16);
AT(gantry_conn_filter_t, before, 24);
AT(gantry_conn_filter_t, after, 32);
AT(gantry_conn_filter_t, run, 40);
AT(gantry_conn_filter_t, self, 48);

SIZE(gantry_conn_1_t, 64);
AT(gantry_conn_1_t, size, 0);
AT(gantry_conn_1_t, add, 8);
AT(gantry_conn_1_t, listener, 16);
AT(gantry_conn_1_t, client, 24);
AT(gantry_conn_1_t, local, 32);
AT(gantry_conn_1_t, set_client, 40);
AT(gantry_conn_1_t, set_local, 48);
AT(gantry_conn_1_t, set_fact, 56);

IS(GANTRY_CONN_OPEN, 0);
IS(GANTRY_CONN_FULL, 1);
IS(GANTRY_CONN_ENDED, 2);
IS(GANTRY_CONN_LATE, 3);
IS(GANTRY_CONN_MOST_BYTES, 66560);

/* ---- gantry/ext/upstream.h */

SIZE(gantry_upstream_1_t, 40);
AT(gantry_upstream_1_t, size, 0);
AT(gantry_upstream_1_t, set_preface, 8);
AT(gantry_upstream_1_t, peers, 16);
AT(gantry_upstream_1_t, set_peers, 24);
AT(gantry_upstream_1_t, set_picker, 32);

SIZE(gantry_peer_t, 24);
AT(gantry_peer_t, address, 0);
AT(gantry_peer_t, weight, 16);
AT(gantry_peer_t, unused, 20);

SIZE(gantry_candidate_t, 24);
AT(gantry_candidate_t, address, 0);
AT(gantry_candidate_t, weight, 16);
AT(gantry_candidate_t, flags, 20);

SIZE(gantry_picker_t, 32);
AT(gantry_picker_t, size, 0);
AT(gantry_picker_t, unused, 4);
AT(gantry_picker_t, name, 8);
AT(gantry_picker_t, pick, 16);
AT(gantry_picker_t, self, 24);

IS(GANTRY_PEERS_MAX, 1000);
IS(GANTRY_PEER_WEIGHT_MAX, 1000);
IS(GANTRY_CANDIDATE_RESTING, 1);
IS(GANTRY_CANDIDATE_TRIED, 2);
IS(GANTRY_PICK_BALANCER, UINT32_MAX);

IS(GANTRY_PREFACE_MAX, 4096);

/* ---- gantry/ext/client.h */

SIZE(gantry_fetch_t, 16);
AT(gantry_fetch_t, place, 0);
AT(gantry_fetch_t, serial, 8);

SIZE(gantry_field_t, 32);
AT(gantry_field_t, name, 0);
AT(gantry_field_t, value, 16);

SIZE(gantry_target_options_t, 72);
AT(gantry_target_options_t, size, 0);
AT(gantry_target_options_t, flags, 4);
AT(gantry_target_options_t, ca_file, 8);
AT(gantry_target_options_t, server_name, 24);
AT(gantry_target_options_t, host, 40);
AT(gantry_target_options_t, connect_timeout, 56);
AT(gantry_target_options_t, keep, 64);
AT(gantry_target_options_t, unused, 68);

SIZE(gantry_client_request_t, 144);
AT(gantry_client_request_t, size, 0);
AT(gantry_client_request_t, flags, 4);
AT(gantry_client_request_t, target, 8);
AT(gantry_client_request_t, method, 16);
AT(gantry_client_request_t, path, 32);
AT(gantry_client_request_t, host, 48);
AT(gantry_client_request_t, fields, 64);
AT(gantry_client_request_t, field_count, 72);
AT(gantry_client_request_t, unused, 76);
AT(gantry_client_request_t, body, 80);
AT(gantry_client_request_t, body_size, 96);
AT(gantry_client_request_t, largest_body, 104);
AT(gantry_client_request_t, connect_timeout, 112);
AT(gantry_client_request_t, head_timeout, 120);
AT(gantry_client_request_t, idle_timeout, 128);
AT(gantry_client_request_t, timeout, 136);

SIZE(gantry_client_answer_t, 72);
AT(gantry_client_answer_t, size, 0);
AT(gantry_client_answer_t, end, 4);
AT(gantry_client_answer_t, status, 8);
AT(gantry_client_answer_t, field_count, 12);
AT(gantry_client_answer_t, fields, 16);
AT(gantry_client_answer_t, body, 24);
AT(gantry_client_answer_t, reason, 40);
AT(gantry_client_answer_t, peer, 56);

SIZE(gantry_client_events_t, 64);
AT(gantry_client_events_t, size, 0);
AT(gantry_client_events_t, unused, 4);
AT(gantry_client_events_t, ticket, 8);
AT(gantry_client_events_t, state, 24);
AT(gantry_client_events_t, on_end, 32);
AT(gantry_client_events_t, on_head, 40);
AT(gantry_client_events_t, on_body, 48);
AT(gantry_client_events_t, on_writable, 56);

SIZE(gantry_client_1_t, 64);
AT(gantry_client_1_t, size, 0);
AT(gantry_client_1_t, target, 8);
AT(gantry_client_1_t, request, 16);
AT(gantry_client_1_t, cancel, 24);
AT(gantry_client_1_t, write, 32);
AT(gantry_client_1_t, finish, 40);
AT(gantry_client_1_t, pause, 48);
AT(gantry_client_1_t, resume, 56);

SIZE(gantry_event_t, 88);
AT(gantry_event_t, size, 0);
AT(gantry_event_t, attempt, 4);
AT(gantry_event_t, id, 8);
AT(gantry_event_t, time, 16);
AT(gantry_event_t, type, 24);
AT(gantry_event_t, subject, 40);
AT(gantry_event_t, source, 56);
AT(gantry_event_t, data, 72);

SIZE(gantry_delivery_t, 16);
AT(gantry_delivery_t, place, 0);
AT(gantry_delivery_t, serial, 8);

SIZE(gantry_subscription_t, 64);
AT(gantry_subscription_t, size, 0);
AT(gantry_subscription_t, flags, 4);
AT(gantry_subscription_t, name, 8);
AT(gantry_subscription_t, types, 16);
AT(gantry_subscription_t, deliver, 24);
AT(gantry_subscription_t, self, 32);
AT(gantry_subscription_t, lease, 40);
AT(gantry_subscription_t, retry, 48);
AT(gantry_subscription_t, attempts, 56);
AT(gantry_subscription_t, at_a_time, 60);

SIZE(gantry_events_1_t, 32);
AT(gantry_events_1_t, size, 0);
AT(gantry_events_1_t, publish, 8);
AT(gantry_events_1_t, subscribe, 16);
AT(gantry_events_1_t, settle, 24);

IS(GANTRY_EVENT_TYPE_MAX, 128);
IS(GANTRY_EVENT_SUBJECT_MAX, 512);
IS(GANTRY_EVENT_DATA_MAX, 262144);
IS(GANTRY_EVENTS_FROM_OLDEST, 1);

IS(GANTRY_FETCHED, 0);
IS(GANTRY_FETCH_NO_PEER, 2);
IS(GANTRY_FETCH_TIMED_OUT, 3);
IS(GANTRY_FETCH_TOO_LARGE, 4);
IS(GANTRY_FETCH_CUT_OFF, 5);
IS(GANTRY_FETCH_BAD_ANSWER, 6);
IS(GANTRY_FETCH_CANCELLED, 7);
IS(GANTRY_FETCHES_MAX, 10000);
IS(GANTRY_FETCH_HEAD_MAX, 65536);
IS(GANTRY_FETCH_BODY_MAX, 67108864);
IS(GANTRY_TARGET_UNVERIFIED, 1);
IS(GANTRY_FETCH_STREAMED_BODY, 1);

SIZE(gantry_certificate_pem_t, 72);
AT(gantry_certificate_pem_t, size, 0);
AT(gantry_certificate_pem_t, unused, 4);
AT(gantry_certificate_pem_t, chain, 8);
AT(gantry_certificate_pem_t, key, 24);
AT(gantry_certificate_pem_t, ocsp, 40);
AT(gantry_certificate_pem_t, source, 56);

SIZE(gantry_certificate_report_t, 520);
AT(gantry_certificate_report_t, size, 0);
AT(gantry_certificate_report_t, reason_size, 4);
AT(gantry_certificate_report_t, not_before, 8);
AT(gantry_certificate_report_t, not_after, 16);
AT(gantry_certificate_report_t, reason, 24);

SIZE(gantry_hello_hook_t, 48);
AT(gantry_hello_hook_t, size, 0);
AT(gantry_hello_hook_t, unused, 4);
AT(gantry_hello_hook_t, name, 8);
AT(gantry_hello_hook_t, before, 16);
AT(gantry_hello_hook_t, after, 24);
AT(gantry_hello_hook_t, run, 32);
AT(gantry_hello_hook_t, self, 40);

SIZE(gantry_tls_1_t, 96);
AT(gantry_tls_1_t, size, 0);
AT(gantry_tls_1_t, make, 8);
AT(gantry_tls_1_t, release, 16);
AT(gantry_tls_1_t, offer, 24);
AT(gantry_tls_1_t, add_hello, 32);
AT(gantry_tls_1_t, listener, 40);
AT(gantry_tls_1_t, server_name, 48);
AT(gantry_tls_1_t, protocol, 56);
AT(gantry_tls_1_t, client, 64);
AT(gantry_tls_1_t, local, 72);
AT(gantry_tls_1_t, use, 80);
AT(gantry_tls_1_t, refuse, 88);

SIZE(gantry_certificate_source_1_t, 16);
AT(gantry_certificate_source_1_t, size, 0);
AT(gantry_certificate_source_1_t, want, 8);

IS(GANTRY_PEM_MAX, 1048576);
IS(GANTRY_CERTIFICATES_MAX, 100000);
IS(GANTRY_OFFER_MOST, 4);

/* ---- gantry/ext/control.h */

SIZE(gantry_reply_t, 16);
AT(gantry_reply_t, place, 0);
AT(gantry_reply_t, serial, 8);

SIZE(gantry_call_t, 96);
AT(gantry_call_t, size, 0);
AT(gantry_call_t, pid, 4);
AT(gantry_call_t, uid, 8);
AT(gantry_call_t, unused, 12);
AT(gantry_call_t, method, 16);
AT(gantry_call_t, path, 32);
AT(gantry_call_t, query, 48);
AT(gantry_call_t, arguments, 64);
AT(gantry_call_t, reply, 80);

SIZE(gantry_route_t, 48);
AT(gantry_route_t, size, 0);
AT(gantry_route_t, unused, 4);
AT(gantry_route_t, method, 8);
AT(gantry_route_t, path, 16);
AT(gantry_route_t, deadline, 24);
AT(gantry_route_t, run, 32);
AT(gantry_route_t, self, 40);

SIZE(gantry_control_1_t, 40);
AT(gantry_control_1_t, size, 0);
AT(gantry_control_1_t, mount, 8);
AT(gantry_control_1_t, argument, 16);
AT(gantry_control_1_t, answer, 24);
AT(gantry_control_1_t, refuse, 32);

IS(GANTRY_CALLS_MAX, 1000);
IS(GANTRY_CALL_ANSWER_MAX, 16777216);
IS(GANTRY_ROUTES_MAX, 100);

/* ---- gantry/ext/fd.h */

SIZE(gantry_watch_t, 16);
AT(gantry_watch_t, place, 0);
AT(gantry_watch_t, serial, 8);

SIZE(gantry_fd_events_t, 40);
AT(gantry_fd_events_t, size, 0);
AT(gantry_fd_events_t, unused, 4);
AT(gantry_fd_events_t, state, 8);
AT(gantry_fd_events_t, on_readable, 16);
AT(gantry_fd_events_t, on_writable, 24);
AT(gantry_fd_events_t, on_end, 32);

SIZE(gantry_fd_1_t, 72);
AT(gantry_fd_1_t, size, 0);
AT(gantry_fd_1_t, watcher, 8);
AT(gantry_fd_1_t, watch, 16);
AT(gantry_fd_1_t, want_read, 24);
AT(gantry_fd_1_t, stop_read, 32);
AT(gantry_fd_1_t, want_write, 40);
AT(gantry_fd_1_t, stop_write, 48);
AT(gantry_fd_1_t, stop, 56);
AT(gantry_fd_1_t, after, 64);

IS(GANTRY_WATCHES_MAX, 10000);

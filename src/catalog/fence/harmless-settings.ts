/** Settings that say nothing about who one is, which rows one sees, or what fires. */
const harmless: readonly RegExp[] = [
  /_timeout$/,
  /^(work_mem|hash_mem_multiplier|maintenance_work_mem|autovacuum_work_mem|logical_decoding_work_mem)$/,
  /^(temp_buffers|temp_file_limit|temp_tablespaces|default_tablespace|default_toast_compression)$/,
  /^(log_|logging_|debug_|track_|stats_|trace_|auto_explain\.|pg_stat_statements\.|pgaudit\.)/,
  /^(enable_|jit|geqo|vacuum_|backend_flush_|bgwriter_|checkpoint_|commit_)/,
  /(_cost|_scale_factor|_collapse_limit|_io_concurrency|_threshold)$/,
  /^(effective_cache_size|cursor_tuple_fraction|constraint_exclusion|default_statistics_target|plan_cache_mode)$/,
  /^(max_parallel_|min_parallel_|parallel_|max_stack_depth$|force_parallel_mode$|recursive_worktable_factor$)/,
  /^(application_name|client_min_messages|client_encoding|bytea_output|extra_float_digits|xmlbinary|xmloption)$/,
  /^(datestyle|intervalstyle|timezone|timezone_abbreviations|lc_messages|lc_monetary|lc_numeric|lc_time)$/,
  /^(tcp_|io_|compute_query_id$|synchronous_commit$|password_encryption$|check_function_bodies$|gin_)/,
  /^(default_text_search_config|synchronize_seqscans|wal_compression|deadlock_timeout)$/,
];

/** Whether a setting of a role cannot concern the fence; all that are not known may. */
export function isHarmlessSetting(name: string): boolean {
  const lower = name.toLowerCase();
  return harmless.some((known) => known.test(lower));
}

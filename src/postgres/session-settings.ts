/** For sessions that no timeout of the role or the database may end. */
export const sessionSettings = {
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  // A concurrent build may have to wait longer; steps for which it matters set their own.
  lock_timeout: "0",
  client_min_messages: "warning",
  // A client that is gone without a word keeps its locks until the server notices; the default is hours.
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "3",
  tcp_user_timeout: "30000",
};

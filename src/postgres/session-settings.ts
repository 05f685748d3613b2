/** For sessions that no timeout of the role or the database may end at their work. */
export const sessionSettings = {
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  // A concurrent build may wait longer than the role may; where it matters, a step sets its own.
  lock_timeout: "0",
  client_min_messages: "warning",
};

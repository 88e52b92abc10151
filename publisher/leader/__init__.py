"""Which of several processes plans issues and writes files, where a server holds the database.

    store     take and renew the lease of the leader, and ask for its epoch in a transaction
    holder    hold it while a process runs, fence what the process writes, see whether all machines
              see the same folder
    process_lock  let one process at a time run a folder

All processes share the sending of mail. With a database file there is one process, by its lock, and no leader.
"""

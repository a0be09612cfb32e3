# rails-database-yml: a config/database.yml that points at the service.
(
  set -eu
  . "$WERCKER_STEP_ROOT/box.sh"
  # first VALUE...: the first that is not empty.
  first() {
    for each in "$@"; do
      if [ -n "$each" ]; then
        printf '%s' "$each"
        return
      fi
    done
  }
  postgres=$(first "${POSTGRES_PORT_5432_TCP_ADDR-}" "${POSTGRESQL_PORT_5432_TCP_ADDR-}" "${WERCKER_POSTGRESQL_HOST-}")
  mysql=$(first "${MYSQL_PORT_3306_TCP_ADDR-}" "${MARIADB_PORT_3306_TCP_ADDR-}" "${WERCKER_MYSQL_HOST-}")
  kind=$WERCKER_RAILS_DATABASE_YML_SERVICE
  if [ -z "$kind" ]; then
    if [ -n "$postgres" ]; then
      kind=postgresql
    elif [ -n "$mysql" ]; then
      kind=mysql2
    else
      fail 'there is no service postgres or mysql: write one below `services`, or say by `service` which one it is'
    fi
  fi
  case $kind in
    postgres*)
      adapter=postgresql
      host=$(first "$postgres" postgres)
      port=$(first "${POSTGRES_PORT_5432_TCP_PORT-}" "${WERCKER_POSTGRESQL_PORT-}" 5432)
      user=$(first "${POSTGRES_ENV_POSTGRES_USER-}" "${WERCKER_POSTGRESQL_USERNAME-}" postgres)
      password=$(first "${POSTGRES_ENV_POSTGRES_PASSWORD-}" "${WERCKER_POSTGRESQL_PASSWORD-}")
      database=$(first "${POSTGRES_ENV_POSTGRES_DB-}" "${WERCKER_POSTGRESQL_DATABASE-}" "$user")
      ;;
    mysql*)
      adapter=mysql2
      host=$(first "$mysql" mysql)
      port=$(first "${MYSQL_PORT_3306_TCP_PORT-}" "${WERCKER_MYSQL_PORT-}" 3306)
      user=$(first "${MYSQL_ENV_MYSQL_USER-}" "${WERCKER_MYSQL_USERNAME-}" root)
      password=$(first "${MYSQL_ENV_MYSQL_PASSWORD-}" "${MYSQL_ENV_MYSQL_ROOT_PASSWORD-}" "${WERCKER_MYSQL_PASSWORD-}")
      database=$(first "${MYSQL_ENV_MYSQL_DATABASE-}" "${WERCKER_MYSQL_DATABASE-}" test)
      ;;
    *) fail "the service $kind is not known; it can be postgresql or mysql2" ;;
  esac
  mkdir -p config
  {
    printf 'test:\n  adapter: %s\n  encoding: utf8\n' "$adapter"
    printf '  host: %s\n  port: %s\n' "$(json "$host")" "$port"
    printf '  username: %s\n  password: %s\n' "$(json "$user")" "$(json "$password")"
    printf '  database: %s\n' "$(json "$database${TEST_ENV_NUMBER-}")"
    [ "$adapter" != postgresql ] ||
      printf '  min_messages: %s\n' "$WERCKER_RAILS_DATABASE_YML_POSTGRESQL_MIN_MESSAGE"
  } >config/database.yml
  info "config/database.yml points at $host:$port ($adapter)"
)

package copying

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"github.com/imagefs/imagefs/builder/source"
)

// ParseOwner reads USER[:GROUP]; names are looked up in the tree's etc/passwd and etc/group. A number without a group is its
// own group, as docker has it.
func ParseOwner(text string, t source.Tree) (*Owner, error) {
	user, group, hasGroup := strings.Cut(text, ":")
	if !hasGroup {
		group = user
	}
	uid, err := strconv.Atoi(user)
	if err != nil {
		line, err := account(t, "etc/passwd", user)
		if err != nil {
			return nil, err
		}
		if line == nil {
			return nil, fmt.Errorf("unable to convert uid/gid chown string to host mapping: can't find uid for user %s: no such user: %s", user, user)
		}
		uid = number(line, 2)
		if !hasGroup {
			return &Owner{uid, number(line, 3)}, nil
		}
	}
	gid, err := strconv.Atoi(group)
	if err != nil {
		line, err := account(t, "etc/group", group)
		if err != nil {
			return nil, err
		}
		if line == nil {
			return nil, fmt.Errorf("unable to convert uid/gid chown string to host mapping: can't find gid for group %s: no such group: %s", group, group)
		}
		gid = number(line, 2)
	}
	if uid < 0 || gid < 0 || uid > maxID || gid > maxID {
		return nil, fmt.Errorf("invalid user or group: %s", text)
	}
	return &Owner{uid, gid}, nil
}

const maxID = 1<<32 - 2

// account returns the fields of a line of passwd(5) or group(5); nil if there is none of that name.
func account(t source.Tree, file, name string) ([]string, error) {
	real, f, err := source.Resolve(t, file)
	if err != nil || f == nil || !f.IsRegular() {
		return nil, err
	}
	content, err := t.Open(real)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	lines := bufio.NewScanner(content)
	for lines.Scan() {
		if fields := strings.Split(lines.Text(), ":"); len(fields) > 3 && fields[0] == name {
			return fields, nil
		}
	}
	return nil, lines.Err()
}

func number(fields []string, i int) int {
	n, err := strconv.Atoi(fields[i])
	if err != nil {
		return -1
	}
	return n
}

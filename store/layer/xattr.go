package layer

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
)

// What Linux allows: XATTR_NAME_MAX and XATTR_SIZE_MAX of limits.h.
const (
	maxXattrName  = 255
	maxXattrValue = 64 << 10
)

const paxXattr = "SCHILY.xattr."

// xattrsOf picks the extended attributes out of PAX records, sorted by name.
func xattrsOf(pax map[string]string) ([]Xattr, error) {
	var list []Xattr
	for _, key := range slices.Sorted(maps.Keys(pax)) {
		name, ok := strings.CutPrefix(key, paxXattr)
		if !ok {
			continue
		}
		value := pax[key]
		if name == "" || len(name) > maxXattrName {
			return nil, refuse("the name of an extended attribute has %d bytes", len(name))
		}
		if len(value) > maxXattrValue {
			return nil, refuse("its extended attribute %s has %d bytes; Linux allows %d", name, len(value), maxXattrValue)
		}
		list = append(list, Xattr{Name: name, Value: []byte(value)})
	}
	return list, nil
}

func appendXattrs(b []byte, list []Xattr) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(list)))
	for _, a := range list {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(a.Name)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(a.Value)))
		b = append(b, a.Name...)
		b = append(b, a.Value...)
	}
	return b
}

// xattrList reads what appendXattrs wrote at off.
func (x *index) xattrList(off int64) ([]Xattr, error) {
	count, err := x.in(sectionXattrs, off, 4)
	if err != nil {
		return nil, err
	}
	off += 4
	var list []Xattr
	for range binary.LittleEndian.Uint32(count) {
		head, err := x.in(sectionXattrs, off, 6)
		if err != nil {
			return nil, err
		}
		nameLen, valueLen := int64(binary.LittleEndian.Uint16(head)), int64(binary.LittleEndian.Uint32(head[2:]))
		b, err := x.in(sectionXattrs, off+6, nameLen+valueLen)
		if err != nil {
			return nil, err
		}
		list = append(list, Xattr{Name: string(b[:nameLen]), Value: slices.Clone(b[nameLen:])})
		off += 6 + nameLen + valueLen
	}
	return list, nil
}
